"""The headless mini program: a user's own folder (app.js, app.json, pages, tracker) run in an embedded V8.

    trace.py     what one visitor's run left behind: lifecycle marks, calls of the tracker, requests with their replies

Not here: what a journey asks for (journey/), what a captured request means (wire/, inspect/), whether it is right
(inspect/ for the rules, runs/ for the totals). The program under test reaches no disk, no network and no Python:
whatever it sends through `wx.request` comes out as values of trace.py, and the caller answers.

Source of the platform's rules: WeChat's documentation of the framework, as wechat.py says them.
"""
