"""The capture server: a real phone, or WeChat DevTools, sends its events here, and a person sees what they say.

    entry.py         one request as it is kept and shown: what was said, bounded, and what was answered
    reading.py       an exchange to an entry, by the project's adapters
    noting.py        what the rules say of one request by itself
    figures.py       running PV, UV, opens and new users by source
    kept.py          the latest entries, bounded in number and bytes, and who waits for the next
    pass_on.py       a request sent on to the real collector, once
    recorded.py      a recorded capture, for the rules
    recording.py     a capture as a file of JSON lines, written and read
    application.py   what is answered, and the data of the page
    own_pages.py     the page itself and the data behind it, for browsers on this machine or named hosts
    protocol.py      HTTP from strangers: what is no HTTP is told, too
    address.py       where to listen, and what a phone must be told
    session.py       one listening from start to summary

Every request is answered at once and sent nowhere else unless `--pass-on` says so. What comes is bounded before it is
kept: bodies, what gzip makes of them, texts, the number of requests and their bytes.

Not here: what a request means (inspect/capture.py and wire/), how it looks (report/listening/).
"""
