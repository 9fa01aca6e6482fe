"""What people and machines read of a run; computes nothing.

    result.py    result.json: everything the other writers print, and nothing else is read by them
    words.py     names of metrics and verdicts, definitions in words, the sentence above a report, numbers as text
    phases.py    which phase of the load was the highest that held, in a sentence
    visible.py   text from outside made harmless: what cannot be seen is spelt out
    tables.py    judged cells arranged as rows, the wrong ones first where a table is cut
    trial.py     a target file tried, as lines
    text.py      the console, with or without a terminal
    junit.py     junit.xml: one test case per expectation, SLO and finding
    comparison.py  what changed from one run to another; comparison_text.py on the console
    annotations.py what GitHub and GitLab show beside the scenario file
    page.py      report.html from page.html and page.css: one file, offline, without a script
    charts.py    numbers to the points of the page's drawings
    folder.py    the three files of a run directory
    inspection/  an inspection of a mini program: terminal, page, JUnit, JSON, SARIF
    listening/   a capture server's lines in the terminal, and its page
    disk.py      files written whole or not at all

Counting, judging and the verdict are verify/, not here. A writer here may count rows, sort, shorten and round, and says
so where it does. Everything named by a collector, a tracker or a scenario passes `visible` and the template's
escaping: it is data, whatever it looks like.
"""
