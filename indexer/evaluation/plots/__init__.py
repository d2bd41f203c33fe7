"""The pictures of measurements, as PNG. They draw what they are given and compute no rate.

Matplotlib is the extra `report`: it is imported when a picture is wanted, not before.
"""
