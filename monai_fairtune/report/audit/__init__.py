"""The page, the model card and the appendix of an audit."""
