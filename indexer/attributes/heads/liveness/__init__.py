"""Whether a picture is of a person, or of a print or a screen that shows one: presentation attack
detection of a single picture (ISO/IEC 30107)."""
