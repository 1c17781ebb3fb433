"""Other machines: an agent on each, reached through the user's own ssh; no open port, no pickle.

Higher rooms import the parts they need: `operations` to say what an agent can do, and, late,
`reaching` to open a machine. Nothing here knows what is measured.
"""
