"""Which faces the detector finds, and whether they are those of `cv2.FaceDetectorYN`."""
