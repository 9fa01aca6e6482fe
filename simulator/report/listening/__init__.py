"""What a listening looks like: lines and a standing summary in the terminal, and one page in a browser.

    terminal.py   lines as requests come, in a terminal or a pipe, and the sentences at begin and end
    capture.py    a recorded listening judged: findings and totals as lines
    page.py       the page as one document, from page.html, page.css, draw.js, page.js; it loads nothing else

Not here: what came (inspect/listening/). Every text of a stranger passes `visible` here, or its like on the page.
"""
