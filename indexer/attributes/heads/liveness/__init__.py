"""Whether a person was before the camera, or a print or a screen that shows one: presentation attack
detection of a single picture (ISO/IEC 30107)."""
