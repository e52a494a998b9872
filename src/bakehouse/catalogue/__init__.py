"""Facts of the world: bases, toolkits, archs and cards as YAML, and what is known of each accelerator."""
