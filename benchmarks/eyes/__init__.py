"""The head for closed eyes, on faces that were labelled by a person who looked at enlarged eyes.

`lfw.csv`: the faces of LFW that are clearly open or closed among the 300 whose lids were closest by the eye
aspect ratio alone, 397 more by another network, and 540 at random. `lfw_narrow.csv`: open eyes among those
300, narrowed by a smile or by the sun. `utkface.csv`: all of UTKFace's part, of which 34 were left out.
`unclear.csv`: what the person did not decide either; that is much in pictures of 250 pixels.

In the first three, `file` is a path in the collection, as `gemel evaluate attribute eyes --data DIR
--labels FILE` reads it.
"""
