"""Finds the faces in a picture, with YuNet at several sizes and angles, and refines their landmarks."""
