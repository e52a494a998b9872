"""Other machines that test: an image with our own Python, files and images on their way there, and what comes back.

The image suite runs on the host itself, in a container beside the images: the machine's facts, its leases, the load and
the clock are the host's own, and no network lies between the load and the server.
"""
