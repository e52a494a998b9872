"""Code for GPUs inside libraries: fatbins, bundles, SPIR-V."""
