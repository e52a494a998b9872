"""Proof at rest: what a built image promises, checked without starting a container of it.

`image.open_image` reads an archive of the image, `expect.Expectation` says what was promised, `run.prove` runs every
check. A check says failed only when the image is wrong; a check that breaks is errored.
"""
