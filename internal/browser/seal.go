package browser

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Keyring stores one secret apart from files, in the operating system's keyring.
type Keyring interface {
	// Get returns the secret; ok is false if there is none. The error says that the keyring is unreachable.
	Get() (secret string, ok bool, err error)
	Set(secret string) error
	// Delete removes the secret, if there is one.
	Delete() error
}

// A keyring holds some thousand bytes at most, and a session may be larger. So the keyring has a key that seals
// the files of all sessions (AES-256-GCM). A copy of a file is useless without it.
const (
	sealedPrefix = "sealed:"
	sealKeySize  = 32
)

// SealError says that a session is sealed and can't be opened.
type SealError struct {
	Path  string
	Cause error
}

// Error implements error.
func (e *SealError) Error() string {
	return fmt.Sprintf("can't open %s, which is encrypted with a key in the system's keyring: %v", e.Path, e.Cause)
}

// Unwrap returns the cause.
func (e *SealError) Unwrap() error { return e.Cause }

var errSealBroken = errors.New("the file was changed, or encrypted with another key")

func isSealed(text string) bool { return strings.HasPrefix(text, sealedPrefix) }

// seal seals a text for a file with this name. Only open can read it.
func seal(key []byte, name, text string) (string, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return sealedPrefix + base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(text), []byte(name))), nil
}

// open returns a text that was sealed for a file with this name.
func open(key []byte, name, sealed string) (string, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return "", err
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(sealed), sealedPrefix))
	if err != nil || len(data) < aead.NonceSize() {
		return "", errSealBroken
	}
	text, err := aead.Open(nil, data[:aead.NonceSize()], data[aead.NonceSize():], []byte(name))
	if err != nil {
		return "", errSealBroken
	}
	return string(text), nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

var (
	errNoKeyring = errors.New("the system has no keyring")
	errNoSealKey = errors.New("the keyring no longer has the key")
)

// sealKey returns the key in the keyring; nil if it has none.
func (store SessionStore) sealKey() ([]byte, error) {
	if store.Keyring == nil {
		return nil, errNoKeyring
	}
	text, ok, err := store.Keyring.Get()
	if err != nil || !ok {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != sealKeySize {
		return nil, errSealBroken
	}
	return key, nil
}

// sealed returns the content for a file with this name: the text, sealed if there is a keyring that keeps the
// key.
func (store SessionStore) sealed(name, text string) string {
	key, err := store.sealKey()
	if err == nil && key == nil {
		key = make([]byte, sealKeySize)
		_, _ = rand.Read(key)
		err = store.Keyring.Set(base64.StdEncoding.EncodeToString(key))
	}
	if err != nil {
		return text
	}
	content, err := seal(key, name, text)
	if err != nil {
		return text
	}
	return content
}

// opened returns the text that was given to sealed.
func (store SessionStore) opened(name, content string) (string, error) {
	if !isSealed(content) {
		return content, nil
	}
	key, err := store.sealKey()
	if err == nil && key == nil {
		err = errNoSealKey
	}
	if err != nil {
		return "", err
	}
	return open(key, name, content)
}
