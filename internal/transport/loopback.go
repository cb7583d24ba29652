package transport

import (
	"net"
	"strings"
)

// IsLoopback reports whether a host, a name or an address without a port, is this machine itself. Requests to
// it without TLS cross no network.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
