//! TLV lists inside handshake payloads (PROTOCOL §4.3, Appendix D).
