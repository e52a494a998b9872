"""Images where they are kept: a small client of the OCI distribution protocol, and OCI layouts, by one Protocol."""
