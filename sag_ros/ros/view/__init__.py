"""``view_node``: a web page for whoever stands beside the arm. Front doors: :mod:`node` and :mod:`command`.

The node hears the graph only while somebody looks (:mod:`taps`, :mod:`board`), serves one page and one
websocket (:mod:`server`, who may: :mod:`access`), and its buttons are services (:mod:`buttons`). The page
itself lies in ``page/``; the browser runs it as it is.
"""
