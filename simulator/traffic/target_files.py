"""What `--target` names, a URL or a target file, as a `Target`; and which hosts are sent to and read from with it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from simulator.errors import UsageError
from simulator.ledger.manifest import TargetFacts
from simulator.scenario.contracts import NAMED, ContractFile, GivenContract
from simulator.scenario.secret import FromEnvironment, resolved, variables_in
from simulator.scenario.target import Adapters, KnownAdapter, Target, plain_target, read_target, target_of
from simulator.traffic.targets import check_target, is_loopback
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import adapter_names, format_of


class _Adapters(Mapping[str, KnownAdapter]):
    """Every adapter, looked at when it is asked for: a broken one of another package concerns only who names it."""

    def __getitem__(self, name: str) -> KnownAdapter:
        if name not in self:
            raise KeyError(name)
        return KnownAdapter(format_of(name).options, contract_of_adapter(name).file)

    def __contains__(self, name: object) -> bool:
        return name in adapter_names()

    def __iter__(self) -> Iterator[str]:
        return iter(adapter_names())

    def __len__(self) -> int:
        return len(adapter_names())


def known_adapters() -> Adapters:
    """What a target file can name as its adapter."""
    return _Adapters()


def contract_of_adapter(name: str) -> GivenContract:
    """The contract that fits an adapter's wire, in force where nothing else is said.

    Raises:
        UsageError: no such adapter.
    """
    named = NAMED.get(name)
    return GivenContract(name, ContractFile.model_validate(format_of(name).contract) if named is None else named)


def is_url(text: str) -> bool:
    """Whether `--target` names a URL; else it is a file."""
    return "://" in text


def named_target(text: str, adapter: str, path: str, token_variable: str) -> Target:
    """The target that `--target` names.

    Args:
        adapter, path, token_variable: of a URL; a file says these itself.

    Raises:
        UsageError: no such file; a ScenarioError when it is wrong; an option that belongs into the file.
    """
    if is_url(text):
        return plain_target(text, adapter, {"path": path}, contract_of_adapter(adapter), token_variable)
    for option, given, usual in (
        ("--adapter", adapter, "dmhub"),
        ("--path", path, DEFAULT_PATH),
        ("--token-env", token_variable, ""),
    ):
        if given != usual:
            raise UsageError(f"{option} {given}: the target file {text} says that itself")
    file = Path(text)
    if file.suffix not in {".yaml", ".yml"} and not file.exists():
        raise UsageError(f"--target {text}: expected a URL such as http://127.0.0.1:8000, or a target file")
    return read_target(file, known_adapters())


def target_of_run(facts: TargetFacts) -> Target:
    """The target of a run that was prepared before.

    Raises:
        ScenarioError: its run.json does not fit any more.
    """
    if facts.document is None:
        return plain_target(
            facts.url, facts.adapter, {"path": facts.path}, contract_of_adapter(facts.adapter), facts.token_variable
        )
    return target_of(facts.document, Path(facts.folder), known_adapters())


def check_variables(target: Target | None, token_variable: str = "") -> None:
    """Look for every environment variable that reading a target needs, before anything is made.

    Args:
        target: None: the embedded collector.
        token_variable: as it was given beside a URL; empty: none.

    Raises:
        UsageError: one is not set.
    """
    named = [] if target is None else [*variables_in(target.totals), *variables_in(target.events)]
    for name in (*named, *filter(None, [token_variable])):
        resolved(FromEnvironment(name), os.environ)


def checked_url(target: Target, allowed_hosts: Collection[str]) -> str:
    """Where a target's events go; every host that is sent to or read from is this machine, or was allowed.

    Raises:
        UsageError: a host that was not, a URL that is none, a variable that is not set.
    """
    url = check_target(resolved(target.file.url, os.environ), allowed_hosts)
    _check_read(target, allowed_hosts)
    return url


def check_hosts(facts: TargetFacts, allowed_hosts: Collection[str]) -> None:
    """Hold a run's hosts against those that are allowed, before it is read or sent again.

    Raises:
        UsageError: one that is not.
    """
    check_target(facts.url, allowed_hosts)
    _check_read(target_of_run(facts), allowed_hosts)


def _check_read(target: Target, allowed_hosts: Collection[str]) -> None:
    for host in hosts_read(target, os.environ):
        if not is_loopback(host) and host not in allowed_hosts:
            raise UsageError(f"{host} is not this machine: it is read only with --allow-host {host}")


def hosts_read(target: Target, environment: Mapping[str, str]) -> Iterator[str]:
    """The hosts, beside the target's own, from which totals and events are read.

    Raises:
        UsageError: a variable that is not set.
    """
    for section in (target.totals.http, target.events.http if target.events else None):
        if section is not None and section.url is not None:
            yield urlsplit(section.url).hostname or ""
    for database in (target.totals.sql, target.events.sql if target.events else None):
        if database is not None:
            host = urlsplit(resolved(database.database, environment)).hostname
            if host:
                yield host
