"""The console and the documentation page in a real browser.

A package, so that its fixtures can end with it: while Playwright runs, the thread has an event loop, and the
tests of other folders want to start their own.
"""
