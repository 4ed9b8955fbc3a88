"""What tests share: folders as dictionaries, drawn pictures, a model that answers by mean color."""
