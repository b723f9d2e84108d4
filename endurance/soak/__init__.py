"""Our servers for minutes or hours under a steady load: memory, descriptors and latency stay."""
