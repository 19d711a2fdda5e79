"""Everything on one machine: what `make up` runs. A supervisor, an embedded Valkey, and one address for replicas."""
