"""Reports: a study or a run as one HTML page that needs nothing but itself."""
