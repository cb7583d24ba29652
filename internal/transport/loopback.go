package transport

import (
	"net"
	"strings"
)

// IsLoopback tells whether a host, a name or an address without a port, is this machine itself: what is
// sent there without TLS is not on its way through any network.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
