// Preloaded into the conformance suite: what would listen on every interface listens on 127.0.0.1.
// `_listen2` is where that is decided; a host handed to `listen` would bind later than the suite reads the port.

import net from 'node:net'

const EVERYWHERE = ['0.0.0.0', '::']
const listen = net.Server.prototype._listen2

net.Server.prototype._listen2 = function (address, port, addressType, ...rest) {
  // Pipes come with port -1. Without an address every interface is meant.
  const everywhere = port >= 0 && (!address || EVERYWHERE.includes(address))
  return everywhere
    ? listen.call(this, '127.0.0.1', port, 4, ...rest)
    : listen.call(this, address, port, addressType, ...rest)
}
