"""What the project's Python services share: settings, batching, health, metrics, limits, logs, a graceful end."""
