# mpsim in a container: the package and what pip installs for it, run by a user without rights.
#
#     docker build -t mpsim .
#     docker run --rm -v "$PWD/scenarios:/work/scenarios:ro" -v "$PWD/reports:/work/reports" mpsim run scenarios/first_open.yaml
#
# The folder that reports go to must be writable by user 10001: `mkdir -p reports && chmod 777 reports`, or add
# `--user "$(id -u)"`. A collector on the host is reached with `--network host`, or by `--add-host` and --allow-host.
#
# The base is pinned by its tag. For a build that is the same to the byte, pin the digest as well, which
# `docker buildx imagetools inspect python:3.12-slim-bookworm` prints: python:3.12-slim-bookworm@sha256:…
# Nothing is fetched but Python packages, by pip. Not built by this repository's CI, which has no Docker: a test holds
# that it names only what there is, and that pip can make the package from just that.

FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY simulator ./simulator
RUN python -m venv /opt/mpsim && /opt/mpsim/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.12-slim-bookworm
COPY --from=build /opt/mpsim /opt/mpsim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin mpsim && install -d -o mpsim /work
ENV PATH=/opt/mpsim/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /work
STOPSIGNAL SIGTERM
ENTRYPOINT ["mpsim"]
CMD ["--help"]
