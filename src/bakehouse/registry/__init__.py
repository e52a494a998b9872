"""Images where they are kept: a small client of the OCI distribution protocol, and OCI layouts, behind one Protocol."""
