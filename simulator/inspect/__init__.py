"""The user's own integration under inspection: captured requests and the program's life → findings.

Not here: the mini program itself (runtime/), whether the four totals are right (runs/), how findings look (report/).
"""
