"""The headless mini program: a user's own folder (app.js, app.json, pages, tracker) run in an embedded V8.

    program.py   the folder, read once: app.json, pages, modules, and what is wrong with them; commonjs.py turns ES
                 modules into CommonJS, markup.py says what a page's WXML binds
    files.py     its files, within bounds
    phone.py     one visitor's phone: launch, show, hide, pages, taps, and the virtual clock; bounds.py how much a
                 program may take and whose calls are watched, recording.py what it says, as a trace
    engine.py    V8 in a process of its own (engine_process.py), within bounds of time and memory
    js/          what is inside of it: the clock, require, App and Page, wx; host.js is the only way in
    answering.py the only way out: each request is a value, and the caller answers; backend.py is a table that does
    places.py    lines of the program in V8's stacks; bodies.py   bodies as text and as bytes
    trace.py     what one visitor's run left behind: lifecycle marks, calls of the tracker, requests with their replies

Not here: what a journey asks for (journey/), what a captured request means (wire/, inspect/), whether it is right
(inspect/ for the rules, runs/ for the totals). The program under test reaches no disk, no network and no Python:
whatever it sends through `wx.request` comes out as values of trace.py, and the caller answers.

Source of the platform's rules: WeChat's documentation of the framework, as wechat.py says them.
"""
