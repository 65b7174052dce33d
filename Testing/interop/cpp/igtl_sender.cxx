// Sends one message of each type with the reference C++ library (protocol 2, version 1 headers) and quits.
// Usage: igtl_sender HOST PORT

#include <cstring>
#include <iostream>
#include <vector>

#include "igtlCapabilityMessage.h"
#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlPointMessage.h"
#include "igtlPolyDataMessage.h"
#include "igtlStatusMessage.h"
#include "igtlStringMessage.h"
#include "igtlTimeStamp.h"
#include "igtlTrackingDataMessage.h"
#include "igtlTransformMessage.h"

namespace
{

// Rotation by 90 degrees about z: i points to A, j to L, k to S.
void FillMatrix(igtl::Matrix4x4& matrix)
{
  igtl::IdentityMatrix(matrix);
  matrix[0][0] = 0.0f;
  matrix[1][0] = 1.0f;
  matrix[0][1] = -1.0f;
  matrix[1][1] = 0.0f;
  matrix[0][3] = 10.5f;
  matrix[1][3] = -20.25f;
  matrix[2][3] = 30.0f;
}

template <class MessagePointer>
void Send(igtl::ClientSocket* socket, MessagePointer& message)
{
  igtl::TimeStamp::Pointer time = igtl::TimeStamp::New();
  time->SetTime(1700000000u, 250000000u);
  message->SetTimeStamp(time);
  message->Pack();
  socket->Send(message->GetPackPointer(), message->GetPackSize());
}

igtl::ImageMessage::Pointer MakeImage(const char* name, int scalarType, int components, int endian)
{
  igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
  image->SetDimensions(7, 5, 3);
  image->SetSpacing(1.5f, 2.0f, 4.0f);
  image->SetNumComponents(components);
  image->SetScalarType(scalarType);
  image->SetDeviceName(name);
  if (endian != 0) // 0 keeps the default of the library, as many senders do
  {
    image->SetEndian(endian);
  }
  image->AllocateScalars();
  igtl::Matrix4x4 matrix;
  FillMatrix(matrix);
  image->SetMatrix(matrix);
  return image;
}

} // namespace

int main(int argc, char* argv[])
{
  if (argc != 3)
  {
    std::cerr << "Usage: igtl_sender HOST PORT" << std::endl;
    return 2;
  }
  igtl::ClientSocket::Pointer socket = igtl::ClientSocket::New();
  if (socket->ConnectToServer(argv[1], atoi(argv[2])) != 0)
  {
    std::cerr << "cannot connect" << std::endl;
    return 1;
  }
  igtl::Matrix4x4 matrix;
  FillMatrix(matrix);

  igtl::ImageMessage::Pointer complexImage
    = MakeImage("CxxComplex", igtl::ImageMessage::TYPE_FLOAT32, 2, igtl::ImageMessage::ENDIAN_LITTLE);
  float* floats = static_cast<float*>(complexImage->GetScalarPointer());
  for (int n = 0; n < 7 * 5 * 3 * 2; ++n)
  {
    floats[n] = 0.5f * n;
  }
  Send(socket, complexImage);

  // Native (little-endian) pixels under the library's default label, big-endian.
  igtl::ImageMessage::Pointer mislabelled = MakeImage("CxxMislabelled", igtl::ImageMessage::TYPE_UINT16, 1, 0);
  igtlUint16* shorts = static_cast<igtlUint16*>(mislabelled->GetScalarPointer());
  for (int n = 0; n < 7 * 5 * 3; ++n)
  {
    shorts[n] = 10 * n;
  }
  Send(socket, mislabelled);

  igtl::ImageMessage::Pointer big
    = MakeImage("CxxBig", igtl::ImageMessage::TYPE_UINT16, 1, igtl::ImageMessage::ENDIAN_BIG);
  unsigned char* bytes = static_cast<unsigned char*>(big->GetScalarPointer());
  for (int n = 0; n < 7 * 5 * 3; ++n)
  {
    bytes[2 * n] = static_cast<unsigned char>((10 * n) >> 8);
    bytes[2 * n + 1] = static_cast<unsigned char>((10 * n) & 0xff);
  }
  Send(socket, big);

  igtl::TransformMessage::Pointer transform = igtl::TransformMessage::New();
  transform->SetDeviceName("CxxTransform");
  transform->SetMatrix(matrix);
  Send(socket, transform);

  igtl::StringMessage::Pointer text = igtl::StringMessage::New();
  text->SetDeviceName("CxxString");
  text->SetString("{\"method\": \"temporal\"}");
  Send(socket, text);

  igtl::StatusMessage::Pointer status = igtl::StatusMessage::New();
  status->SetDeviceName("CxxStatus");
  status->SetCode(igtl::StatusMessage::STATUS_NOT_READY);
  status->SetSubCode(42);
  status->SetErrorName("Warming up");
  status->SetStatusString("gradient coil is cold");
  Send(socket, status);

  igtl::PointElement::Pointer element = igtl::PointElement::New();
  element->SetName("lesion");
  element->SetGroupName("Target");
  element->SetRGBA(255, 0, 0, 128);
  element->SetPosition(1.0f, -2.5f, 3.25f);
  element->SetRadius(4.0f);
  element->SetOwner("MR Image");
  igtl::PointMessage::Pointer point = igtl::PointMessage::New();
  point->SetDeviceName("TARGET");
  point->AddPointElement(element);
  Send(socket, point);

  igtl::TrackingDataElement::Pointer tool = igtl::TrackingDataElement::New();
  tool->SetName("Needle");
  tool->SetType(igtl::TrackingDataElement::TYPE_5D);
  tool->SetMatrix(matrix);
  igtl::TrackingDataMessage::Pointer tracking = igtl::TrackingDataMessage::New();
  tracking->SetDeviceName("CxxTracker");
  tracking->AddTrackingDataElement(tool);
  Send(socket, tracking);

  std::vector<std::string> types;
  types.push_back("IMAGE");
  types.push_back("TRANSFORM");
  igtl::CapabilityMessage::Pointer capability = igtl::CapabilityMessage::New();
  capability->SetDeviceName("CxxCapability");
  capability->SetTypes(types);
  Send(socket, capability);

  igtl::GetStatusMessage::Pointer query = igtl::GetStatusMessage::New();
  query->SetDeviceName("CxxQuery");
  Send(socket, query);

  // A type that our side does not know: it must be skipped and the next message still be read.
  igtl::PolyDataMessage::Pointer poly = igtl::PolyDataMessage::New();
  poly->SetDeviceName("CxxPoly");
  Send(socket, poly);

  text->SetDeviceName("CxxLast");
  text->SetString("end");
  Send(socket, text);
  socket->CloseSocket();
  return 0;
}
