"""An upgrade under load: one release is replaced by the next, process by process, and nobody notices."""
