package sandbox

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as authenticator apps do it
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	portalCookie  = "portal_session"
	mystoreCookie = "mystore_session"
)

const (
	// linkLife is the validity of a mailed link.
	linkLife = 15 * time.Minute
	// codePeriod is the validity of a one-time code.
	codePeriod = 30 * time.Second
)

// session is a browser's session. Before the sign-in, it only ties forms to the browser.
type session struct {
	id   string
	csrf string
	// The signed-in user. At most one of these is set, by vendor.
	user *User
	shop *Shop
	// email is the address of the shop user.
	email string
	// waiting is the user of waitingShop who has entered the right password and not yet a code.
	waiting     *ShopUser
	waitingShop *Shop
}

func (ss *session) signedIn() bool { return ss != nil && (ss.user != nil || ss.shop != nil) }

// signInLink signs in whoever opens it first.
type signInLink struct {
	token string
	sent  time.Time
	to    string
	// mailed says that it is in the mailbox.
	mailed bool
	user   *User
	shop   *Shop
	target string // the page after the sign-in
}

func cookieName(api string) string {
	if api == MystorePages {
		return mystoreCookie
	}
	return portalCookie
}

// identifySession finds the browser's session. A shop's session is valid only at the shop's own host.
func identifySession(s *Sandbox, c *call) {
	cookie, err := c.http.Cookie(cookieName(c.mount.api))
	if err != nil {
		return
	}
	c.token = cookie.Value
	ss := s.sessions[cookie.Value]
	if ss == nil || !ss.belongs(c) {
		return
	}
	c.session, c.user, c.tokenShop = ss, ss.user, ss.shop
}

func (ss *session) belongs(c *call) bool {
	if c.mount.api == PortalPages {
		return ss.shop == nil && ss.waitingShop == nil
	}
	if ss.user != nil {
		return false
	}
	of := ss.shop
	if of == nil {
		of = ss.waitingShop
	}
	return of == nil || of == c.hostShop
}

func (s *Sandbox) newSession(ss session) *session {
	ss.id, ss.csrf = randomText(32), randomText(32)
	s.sessions[ss.id] = &ss
	s.state.secrets = append(s.state.secrets, ss.id)
	return &ss
}

func (s *Sandbox) endSession(c *call) {
	if c.session != nil {
		delete(s.sessions, c.session.id)
	}
	c.session, c.user, c.tokenShop = nil, nil, nil
}

// beginSession replaces the browser's session with a new one, whose ID nobody else can know.
func (s *Sandbox) beginSession(c *call, ss session, a *answer) *answer {
	s.endSession(c)
	c.session = s.newSession(ss)
	a.setCookie(cookieName(c.mount.api), c.session.id, c.mount.prefix)
	return a
}

// EndSessions ends all sessions, as if they had expired.
func (s *Sandbox) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

func (s *Sandbox) newLink(l signInLink) *signInLink {
	l.token, l.sent = randomText(32), s.now()
	s.links = append(s.links, &l)
	s.state.secrets = append(s.state.secrets, l.token)
	return &l
}

// useLink returns the link with the call's token and invalidates it. It returns nil if there is none.
func (s *Sandbox) useLink(c *call) *signInLink {
	i := slices.IndexFunc(s.links, func(l *signInLink) bool {
		return l.token == c.params["token"] && (l.user == nil) == (c.mount.api == MystorePages) && l.shop == c.hostShop
	})
	if i < 0 {
		return nil
	}
	l := s.links[i]
	s.links = slices.Delete(s.links, i, i+1)
	if l.mailed && s.now().Sub(l.sent) > linkLife {
		return nil
	}
	return l
}

// openLink signs in the visitor of a link of the vendor's own pages.
func (s *Sandbox) openLink(c *call) *answer {
	l := s.useLink(c)
	if l == nil {
		return c.redirectTo(c.mount.signIn(c))
	}
	ss := session{user: l.user, shop: l.shop}
	if l.shop != nil {
		ss.email = l.to
	}
	return s.beginSession(c, ss, c.redirect(l.target))
}

// PortalLink returns the path of a link that signs in the portal user with that email, once, and leads to a page such
// as "/" or "/integrations/api".
func (s *Sandbox) PortalLink(email, target string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.state.userByEmail(email)
	if u == nil {
		return "", errNoSuchUser
	}
	return s.portalLink(u, target), nil
}

func (s *Sandbox) portalLink(u *User, target string) string {
	return portalPagesPrefix + "/callback/" + s.newLink(signInLink{to: u.Email, user: u, target: target}).token
}

// MystoreLink returns the path, at the shop's own host, of a link that signs in the shop's first user, once, and
// leads to a page such as "/extensions". Mystore has no such links. They are for pictures and for people who try the
// sandbox.
func (s *Sandbox) MystoreLink(shop, target string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return "", err
	}
	return s.mystoreLink(sh, target), nil
}

func (s *Sandbox) mystoreLink(sh *Shop, target string) string {
	return mystorePagesPrefix + "/login/" + s.newLink(signInLink{to: sh.Users[0].Email, shop: sh, target: target}).token
}

// ShopURL returns the address of the shop's own host if the sandbox is served at base. Browsers resolve
// "<shop>.localhost" to this machine.
func ShopURL(base, shop string) string {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	if err != nil {
		return "http://" + shop + adminDomain
	}
	return "http://" + net.JoinHostPort(shop+adminDomain, port)
}

// Tour returns directions to the pages at url, one on each line, with new sign-in links.
func (s *Sandbox) Tour(url string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	if u := s.state.firstAdmin(); u != nil {
		mailbox := otherOrigin(strings.TrimPrefix(url, "http://")) + signInPagesPrefix + "/mailbox"
		lines = append(lines,
			"Kustom Portal: "+url+portalPagesPrefix+"/ by magic link as "+u.Email+"; the link is in "+mailbox,
			"  or signed in, once: "+url+s.portalLink(u, "/"))
	}
	for _, sh := range s.state.shops[:min(len(s.state.shops), 1)] {
		host := ShopURL(url, sh.Name)
		lines = append(lines,
			"Mystore: "+host+mystorePagesPrefix+" as "+sh.Users[0].Email+", password "+sh.Users[0].Password,
			"  or signed in, once: "+host+s.mystoreLink(sh, "/"))
	}
	return lines
}

// userByEmail returns the user with that address who can sign in, or nil.
func (st *state) userByEmail(email string) *User {
	i := slices.IndexFunc(st.users, func(u *User) bool { return strings.EqualFold(u.Email, email) && !u.Expired })
	if i < 0 {
		return nil
	}
	return st.users[i]
}

// firstAdmin returns the first user who can see Integrations, or nil.
func (st *state) firstAdmin() *User {
	i := slices.IndexFunc(st.users, func(u *User) bool { return u.Role != RoleStaff && !u.Expired })
	if i < 0 {
		return nil
	}
	return st.users[i]
}

// PagesEnv returns the environment for a provider that uses this server's pages; see [Sandbox.PagesEnv].
func (srv *Server) PagesEnv() map[string]string { return srv.sandbox.PagesEnv(srv.URL()) }

// PagesEnv returns the environment for a provider that uses the sandbox's pages at url, which has no slash at its
// end: the addresses, and new sessions of the first user who can see API keys and of the first user of every shop. It
// has no tokens.
func (s *Sandbox) PagesEnv(url string) map[string]string {
	portal, shops := s.signInAll(url)
	admins := make(map[string]string, len(shops))
	for shop := range shops {
		admins[shop] = ShopURL(url, shop) + mystorePagesPrefix
	}
	// Maps of strings always encode.
	sessions, _ := json.Marshal(shops)
	addresses, _ := json.Marshal(admins)
	return map[string]string{
		"KUSTOM_ENVIRONMENT":      s.state.environment,
		"KUSTOM_API_URL":          url + merchantPrefix,
		"KUSTOM_PORTAL_PAGES_URL": url + portalPagesPrefix,
		"MYSTORE_ADMIN_URLS":      string(addresses),
		"KUSTOM_PORTAL_SESSION":   portal,
		"MYSTORE_SESSIONS":        string(sessions),
	}
}

// signInAll returns new sessions. It takes the lock.
func (s *Sandbox) signInAll(url string) (portal string, shops map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.state.firstAdmin(); u != nil {
		portal = s.sessionLine(url, PortalPages, portalPagesPrefix, session{user: u})
	}
	shops = make(map[string]string)
	for _, sh := range s.state.shops {
		shops[sh.Name] = s.sessionLine(ShopURL(url, sh.Name), MystorePages, mystorePagesPrefix, session{shop: sh, email: sh.Users[0].Email})
	}
	return portal, shops
}

// A browser's session in the provider's format.
type (
	browserSession struct {
		Host    string            `json:"host"`
		Cookies []browserCookie   `json:"cookies"`
		Storage map[string]string `json:"storage"`
	}
	browserCookie struct {
		Name     string `json:"name"`
		Value    string `json:"value"`
		Domain   string `json:"domain"`
		Path     string `json:"path"`
		HTTPOnly bool   `json:"http_only"`
		SameSite string `json:"same_site"`
	}
)

func (s *Sandbox) sessionLine(base, api, path string, ss session) string {
	host := strings.TrimPrefix(base, "http://")
	domain := host
	if u, err := url.Parse(base); err == nil {
		host, domain = u.Host, u.Hostname()
	}
	made := s.newSession(ss)
	// Plain fields always encode.
	data, _ := json.Marshal(browserSession{
		Host:    host,
		Cookies: []browserCookie{{Name: cookieName(api), Value: made.id, Domain: domain, Path: path, HTTPOnly: true, SameSite: "Lax"}},
		Storage: map[string]string{},
	})
	line := base64.RawURLEncoding.EncodeToString(data)
	s.state.secrets = append(s.state.secrets, line)
	return line
}

// codeKey decodes a seed of one-time codes. It accepts spaces and lower case, as people copy them.
func codeKey(seed string) ([]byte, error) {
	seed = strings.ToUpper(strings.ReplaceAll(seed, " ", ""))
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "="))
}

// code returns the one-time code of a moment, by RFC 6238.
func code(key []byte, at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix())/uint64(codePeriod.Seconds())) //nolint:gosec // after 1970
	mac := hmac.New(sha1.New, key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

// acceptsCode reports whether entered is the user's present code, or the one before or after, because clocks differ.
func (u *ShopUser) acceptsCode(entered string, now time.Time) bool {
	key, err := codeKey(u.CodeSeed)
	if err != nil {
		return false
	}
	for _, at := range []time.Time{now.Add(-codePeriod), now, now.Add(codePeriod)} {
		if equalText(code(key, at), entered) {
			return true
		}
	}
	return false
}

func equalText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
