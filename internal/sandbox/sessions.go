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
	// linkLife is how long a link in the mailbox can be used.
	linkLife = 15 * time.Minute
	// codePeriod is how long a one-time code is the one to enter.
	codePeriod = 30 * time.Second
)

// session is a browser's. Until somebody has signed in, it only ties forms to the browser.
type session struct {
	id   string
	csrf string
	// Who is signed in: at most one of these, by vendor.
	user *User
	shop *Shop
	// email is the shop user's.
	email string
	// waiting is who has given the right password, and owes a code for waitingShop.
	waiting     *ShopUser
	waitingShop *Shop
}

func (ss *session) signedIn() bool { return ss != nil && (ss.user != nil || ss.shop != nil) }

// signInLink signs in whoever opens it, once.
type signInLink struct {
	token string
	sent  time.Time
	to    string
	// mailed says that it lies in the mailbox.
	mailed bool
	user   *User
	shop   *Shop
	target string // the page that it leads to
}

func cookieName(api string) string {
	if api == MystorePages {
		return mystoreCookie
	}
	return portalCookie
}

// identifySession finds the browser's session. That of a shop holds at the shop's own host only.
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

// beginSession gives the browser a session in place of the one that it had, so that nobody else can know it.
func (s *Sandbox) beginSession(c *call, ss session, a *answer) *answer {
	s.endSession(c)
	c.session = s.newSession(ss)
	a.setCookie(cookieName(c.mount.api), c.session.id, c.mount.prefix)
	return a
}

// EndSessions signs everybody out, as happens when a session has lasted its time.
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

// useLink is the link of that token, which is used up with it, or nil.
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

// openLink signs in whoever opens a link of either vendor's own pages.
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

// PortalLink is the path of a link that signs in the portal user of that e-mail address, once, and
// leads to a page, such as "/" or "/integrations/api".
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

// MystoreLink is the path, at the shop's own host, of a link that signs in the shop's first user, once, and
// leads to a page, such as "/extensions". Mystore has no such links; this one is for pictures and for
// people who try the sandbox.
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

// ShopURL is where the shop's own host is when the sandbox is served at url: a browser takes
// "<shop>.localhost" for this machine.
func ShopURL(base, shop string) string {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	if err != nil {
		return "http://" + shop + adminDomain
	}
	return "http://" + net.JoinHostPort(shop+adminDomain, port)
}

// Tour says, a line each, where people find the pages that are served at url, and how they sign in.
// Every call makes new links.
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

// userByEmail is the user who can sign in with that address, or nil.
func (st *state) userByEmail(email string) *User {
	i := slices.IndexFunc(st.users, func(u *User) bool { return strings.EqualFold(u.Email, email) && !u.Expired })
	if i < 0 {
		return nil
	}
	return st.users[i]
}

// firstAdmin is the first user who can see Integrations, or nil.
func (st *state) firstAdmin() *User {
	i := slices.IndexFunc(st.users, func(u *User) bool { return u.Role != RoleStaff && !u.Expired })
	if i < 0 {
		return nil
	}
	return st.users[i]
}

// PagesEnv is the environment that makes the provider use this server's pages; see
// [Sandbox.PagesEnv].
func (srv *Server) PagesEnv() map[string]string { return srv.sandbox.PagesEnv(srv.URL()) }

// PagesEnv is the environment that makes the provider use the pages of this sandbox where it is served
// at url, which has no slash at its end: its addresses, and new sessions of the first user who can see
// API keys and of the first user of every shop. There are no tokens in it.
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

// signInAll takes the lock by itself.
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

// The session of a browser, in the form that the provider keeps it in.
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

// codeKey is the key of one-time codes; spaces and small letters are as people copy them.
func codeKey(seed string) ([]byte, error) {
	seed = strings.ToUpper(strings.ReplaceAll(seed, " ", ""))
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "="))
}

// code is the one-time code of a moment, as RFC 6238 has it.
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

// takes reports whether that is the user's code now, or the one before or after it: clocks differ.
func (u *ShopUser) takes(entered string, now time.Time) bool {
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
