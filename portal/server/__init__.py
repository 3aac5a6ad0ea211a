"""Between the socket and Flask: what a connection may cost, bodies, streams, and the fast road of creates."""
