"""What every other folder may use: errors, units, checked documents, content hashes."""
