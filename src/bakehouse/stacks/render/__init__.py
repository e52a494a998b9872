"""From a checked plan to files: Compose, Quadlet, Kubernetes, the gateway, Prometheus, Grafana. Pure."""
