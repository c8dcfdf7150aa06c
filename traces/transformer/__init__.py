"""From a model's shape to its operators, by closed form."""
