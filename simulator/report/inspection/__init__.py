"""How an inspection looks: terminal, one HTML file, JUnit, JSON and SARIF; nothing here computes.

outcome.py   what an inspection came to, and its JSON
text.py      lines for a terminal
page.py      report.html, in the look of a run's report
junit.py     one test case a rule and a total
sarif.py     SARIF 2.1.0, for code hosts
folder.py    the files of one inspection
"""
