"""Events to bytes and back: one file a wire format, with the vendor's tracker as a pure fold. No sockets, no clock.

    request.py        what flows: Request and the Record it carries, Answer, Outcome, the Adapter protocol
    options.py        what an adapter is set up with
    formats.py        a wire format as the registry knows it
    registry.py       adapters by name, those of other packages too
    vendor.py         how one vendor's tracker speaks: what each file of a vendor says
    tracker.py        what trackers have in common: identities, sessions, the queue; the adapter of a vendor
    aladdin.py ga4.py growingio.py matomo.py posthog.py segment.py sensors.py snowplow.py thinkingdata.py umeng.py
                      one vendor each
    generic.py        requests as templates of the target file
    template_text.py  a template filled, and read back
    dmhub.py          Convertlab DM Hub, as the public 2018 tracker and as documented today
    dmhub_calls.py    the calls that an event makes on its tracker
    dmhub_fields.py   its keys, what an honest collector reads from them, and when an event is bad
    utma.py           its client id
    addresses.py      the address of a page, and the source in it
    device_info.py    what wx tells of a phone
    iso.py            instants as texts
    json_text.py      JSON as JavaScript writes it, and a stranger's JSON
    packing.py        gzip and zlib taken off
    query.py          a query string with JavaScript's escapes, built and taken apart
    javascript.py     JavaScript's rules that a tracker depends on
    outcome.py        what an answer tells about the collector, and the sentence that says so

Not here: what a visitor does (journey/), in which order requests leave and who joins the two (traffic/), the client
that sends them (load/).
"""
