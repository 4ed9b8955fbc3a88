"""From labels to a trained bundle: fine-tuning, evaluation and what is measured along the way."""
