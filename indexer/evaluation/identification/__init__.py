"""One to many: who of the people in a gallery is this, if anyone?"""
