"""The terminal interface: five places (Chat, Vote, Scores, Runs, Data) in one frame.

`app.py` wires, `desk.py` is what a screen may ask for, `drawing/` holds what needs no Textual at all,
`widgets/` one widget a file, `screens/` one place or dialog a file. Styles lie beside them as `.tcss`.
"""
