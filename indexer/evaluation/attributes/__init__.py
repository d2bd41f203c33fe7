"""Measures the heads of attributes on labelled photographs, through the pipeline that serves."""
