package kustom

import "log/slog"

// Secret is the secret of a newly generated key. It prints as *** with every verb of package fmt, in package
// log/slog and in JSON, so it reaches no log, message or file by accident. Only [Secret.Reveal] returns it. The
// zero value is no secret. A Secret is immutable.
type Secret struct{ value string }

// hidden stands for a secret wherever one is printed.
const hidden = "***"

// NewSecret returns the secret with this value.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the secret itself. Use it only for a request or for the state.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String implements fmt.Stringer.
func (s Secret) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return hidden }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
