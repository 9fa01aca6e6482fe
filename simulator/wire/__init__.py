"""Events to bytes and back: one file a wire format, with the vendor's tracker as a pure fold. No sockets, no clock.

    request.py        what flows: Request and the Record it carries, Answer, Outcome, the Adapter protocol
    options.py        what an adapter is set up with
    registry.py       adapters by name
    dmhub.py          Convertlab DM Hub, as the public 2018 tracker and as documented today
    dmhub_calls.py    the calls that an event makes on its tracker
    dmhub_fields.py   its keys, what an honest collector reads from them, and when an event is bad
    utma.py           its client id
    query.py          a query string with JavaScript's escapes, built and taken apart
    javascript.py     JavaScript's rules that a tracker depends on
    outcome.py        what an answer tells about the collector, and the sentence that says so

Not here: what a visitor does (journey/), in which order requests leave and who joins the two (traffic/), the client
that sends them (load/).
"""
