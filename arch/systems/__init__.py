"""Systems: hardware only, one YAML file each."""
