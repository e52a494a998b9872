"""What models that detect want to be given and what they say: for the detector, and for Triton's ensemble."""
