package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Session is the browser's data of a user who has signed in to a site. It gives access like a password, so keep
// it as secret.
type Session struct {
	// Host is the site's, with its port if it has one.
	Host    string            `json:"host"`
	Cookies []Cookie          `json:"cookies"`
	Storage map[string]string `json:"storage,omitempty"`
}

// Cookie is one of a session's cookies.
type Cookie struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Domain   string `json:"domain"`
	Path     string `json:"path"`
	Secure   bool   `json:"secure,omitempty"`
	HTTPOnly bool   `json:"http_only,omitempty"`
	SameSite string `json:"same_site,omitempty"`
	// Expires is in seconds since 1970; 0 for a cookie that ends with the browser.
	Expires int64 `json:"expires,omitempty"`
}

// String keeps a session out of logs and messages (I2).
func (Session) String() string { return "(a session)" }

// GoString keeps a session out of logs and messages (I2).
func (Session) GoString() string { return "(a session)" }

// errNoSession says that a text is no session. It gives no details, because the text may hold a session.
var errNoSession = errors.New("this is not a session that login has printed")

// ParseSession parses the text that [Session.Line] returns.
func ParseSession(line string) (Session, error) {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(line))
	if err != nil {
		return Session{}, errNoSession
	}
	var s Session
	if err := json.Unmarshal(data, &s); err != nil || s.Host == "" {
		return Session{}, errNoSession
	}
	return s, nil
}

// Line encodes a session as one line of letters, digits, hyphens and underscores.
func (s Session) Line() (string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}

// enter adds the session's cookies to a profile.
func (s Session) enter(ctx context.Context, profile cdp.BrowserContextID) error {
	if len(s.Cookies) == 0 {
		return nil
	}
	cookies := make([]*network.CookieParam, 0, len(s.Cookies))
	for _, c := range s.Cookies {
		cookies = append(cookies, c.param())
	}
	_, err := chromedp.CallBrowser(ctx, storage.SetCookies, storage.SetCookiesParams{Cookies: cookies, BrowserContextID: profile})
	return err
}

func (c Cookie) param() *network.CookieParam {
	p := &network.CookieParam{
		Name: c.Name, Value: c.Value, Path: c.Path,
		Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: network.CookieSameSite(c.SameSite),
	}
	// Setting a domain would extend a cookie of a single host to its subdomains.
	if strings.HasPrefix(c.Domain, ".") {
		p.Domain = c.Domain
	} else {
		origin := url.URL{Scheme: "http", Host: c.Domain, Path: c.Path}
		if c.Secure {
			origin.Scheme = "https"
		}
		p.URL = origin.String()
	}
	if c.Expires != 0 {
		p.Expires = cdp.TimeSinceEpoch(c.Expires)
	}
	return p
}

func cookieOf(c *network.Cookie) Cookie {
	cookie := Cookie{
		Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path,
		Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: string(c.SameSite),
	}
	if !c.Session && c.Expires > 0 && c.Expires < math.MaxInt64 {
		cookie.Expires = int64(c.Expires)
	}
	return cookie
}
