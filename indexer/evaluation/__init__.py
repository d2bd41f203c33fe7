"""How good a model is, measured on labelled photographs through the very pipeline that serves.

Verification is one to one (is this pair one person?), identification one to many in an open set (who
of the enrolled is this, if anyone?). Not for setting thresholds in service: a model's card carries its
measured scores, and `recognition.threshold` reads them.
"""
