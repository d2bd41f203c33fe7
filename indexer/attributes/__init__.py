"""What a face shows beside who it is: liveness, pose, expression, age. Each attribute is a head of its
own, which gets the faces of a photograph and answers with a value, or that it cannot tell."""
