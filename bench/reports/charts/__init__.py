"""Charts: figures in, Vega-Lite specifications out; rendered to SVG by vl-convert."""
